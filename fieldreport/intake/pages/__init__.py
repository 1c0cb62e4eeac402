"""The pages, one module a group of routes: reading, reporting, coming back, handing in a packed report."""
