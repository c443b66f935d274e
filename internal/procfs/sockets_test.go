package procfs

import (
	"net"
	"net/netip"
	"os"
	"testing"
)

func TestSocket(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	name := Socket(netip.MustParseAddrPort(listener.Addr().String()))
	if name == "" || !HasOpen(os.Getpid(), name) {
		t.Errorf("got %q, want a socket that we hold", name)
	}
	if pid := sleeper(t, "A=1"); HasOpen(pid, name) || HasOpen(-1, name) {
		t.Errorf("%q is in other hands, too", name)
	}
	listener.Close()
	if got := Socket(netip.MustParseAddrPort("127.0.0.2:1")); got != "" {
		t.Errorf("got %q of an address without a socket", got)
	}
}
