package integration

import (
	"os"
	"testing"

	"bootstrap/protocol"
)

// A sandbox may have CentOS 7.6, whose kernel is Linux 3.10. Here bootstrap and
// its commands run under a filter that answers newer calls as that kernel does.
func TestOldKernel(t *testing.T) {
	serveAll(t, protocol.SCF, os.Args[0], underFlag, "old-kernel")
}
