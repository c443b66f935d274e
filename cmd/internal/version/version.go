// Package version knows what version a program is.
package version

import "runtime/debug"

// linked is set by the linker, see the Makefile.
var linked string

// String is the version that was linked in, else what the Go tool knows.
func String() string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
