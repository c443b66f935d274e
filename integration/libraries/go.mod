module libraries

go 1.26.0

require bootstrap v0.0.0

require (
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
)

replace bootstrap => ../..
