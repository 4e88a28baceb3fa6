"""What tests of this product, and of programs built on it, stand on."""
