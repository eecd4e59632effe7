"""Git repositories: reading commits, and a small working copy to write them. Import the submodule you need."""
