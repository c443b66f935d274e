//go:build !linux

package readonly

// Main does nothing: only Linux has the namespaces.
func Main() {}
