"""`fastdeid explain`: what is said of each element is what was done to it."""
