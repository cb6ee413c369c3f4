# Debian as it is: the layer that the others stand on.
