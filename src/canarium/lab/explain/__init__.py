"""Why things are where they are, in three lines with the evidence and the next step. Pure: it reads objects only."""
