"""The frame of the book: chapters, their parameters, the claims scoreboard and the build."""
