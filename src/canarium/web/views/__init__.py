"""What each topic of the page shows: objects in, values of `canarium.web.model` out."""
