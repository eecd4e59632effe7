"""The page: what a cluster looks like to people, as JSON, server-sent events and the files of the built application."""
