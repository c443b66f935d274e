package integration

import (
	"os"
	"testing"

	"bootstrap/protocol"
)

// The sandbox may be CentOS 7.6, whose kernel is Linux 3.10. Here bootstrap and
// its commands run under a filter that answers as that kernel does to what
// came later.
func TestOldKernel(t *testing.T) {
	serveAll(t, protocol.SCF, os.Args[0], underFlag, "old-kernel")
}
