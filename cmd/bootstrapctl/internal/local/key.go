package local

// A Key is an access key with which callers of a vendor's API sign their calls.
type Key struct{ ID, Secret string }
