"""ApplicationSet: generators, templates, and the controller that keeps the Applications they make."""
