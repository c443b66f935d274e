// Package examples holds the example functions, from which bootstrapctl init
// makes new ones.
package examples

import "embed"

// Files are the folders of the examples.
//
//go:embed cli node python shell sidecar worker
var Files embed.FS
