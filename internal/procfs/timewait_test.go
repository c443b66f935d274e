package procfs

import (
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
)

// A socket is found although a closed connection still has its address.
func TestSocketAfterAnother(t *testing.T) {
	for range 20 {
		first := dialFrom(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		local := first.LocalAddr().(*net.TCPAddr)
		first.(*net.TCPConn).CloseWrite()
		if _, err := io.ReadAll(first); err != nil { // until the other side has closed, too
			t.Fatal(err)
		}
		first.Close()
		second := dialFrom(t, local)
		address := netip.MustParseAddrPort(second.LocalAddr().String())
		if got := Socket(address); got == "" || got == "socket:[0]" {
			t.Errorf("%v: got %q", address, got)
		}
		second.Close()
	}
}

// dialFrom connects to a listener that hangs up when the caller does.
func dialFrom(t *testing.T, local *net.TCPAddr) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialer := net.Dialer{LocalAddr: local, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) })
	}}
	conn, err := dialer.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends when the caller hangs up
		_, _ = io.Copy(io.Discard, server)
		server.Close()
	}()
	return conn
}
