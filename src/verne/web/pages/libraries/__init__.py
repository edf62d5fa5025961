"""Pages of the libraries: what is loaded, how versions differ, what is judged and covered."""
