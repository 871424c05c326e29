"""Drawing with any pipeline that is not of Stable Diffusion 1, 2 or XL, as its authors made it."""
