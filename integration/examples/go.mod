module bootstrap/integration/examples

go 1.26.0
