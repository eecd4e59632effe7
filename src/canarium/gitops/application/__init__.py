"""Application: comparing git with the cluster, health, and sync as a plan before it is an act."""
