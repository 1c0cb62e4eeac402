"""JPEG XL: becomes the JPEG that it was made of, or a new JPEG or PNG."""
