"""The pages, one module a group of routes. Every view carries its access rule as its outermost decorator."""
