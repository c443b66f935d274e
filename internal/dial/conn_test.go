package dial

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
)

// notBlocking returns both ends of a connection. Calls on the socket return EAGAIN
// instead of blocking, as in gVisor with the network of its host.
func notBlocking(t *testing.T) (*Conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s, err := connect(t.Context(), netip.MustParseAddrPort(listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := syscall.SetNonblock(s.fd, true); err != nil {
		t.Fatal(err)
	}
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return s, peer
}

func TestSocketThatDoesNotBlock(t *testing.T) {
	s, peer := notBlocking(t)
	if _, err := syscall.Read(s.fd, make([]byte, 1)); err != syscall.EAGAIN {
		t.Fatalf("got %v of a plain read, want EAGAIN", err)
	}
	sent := bytes.Repeat([]byte("0123456789"), 1<<20) // more than the kernel holds
	go func() {                                       // ends when it has sent back all
		got := make([]byte, len(sent))
		_, _ = io.ReadFull(peer, got) // missing bytes show below
		_, _ = peer.Write(got)
	}()
	if n, err := s.Write(sent); n != len(sent) || err != nil {
		t.Fatalf("wrote %d bytes, %v, want %d", n, err, len(sent))
	}
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got other bytes than were sent: %v", err)
	}
}

// hangUp interrupts a read that waits for the socket.
func TestHangUpOfASocketThatDoesNotBlock(t *testing.T) {
	s, _ := notBlocking(t)
	turn := s.nextTurn()
	ended := make(chan error)
	go func() {
		_, err := s.Read(make([]byte, 1))
		ended <- err
	}()
	s.hangUp(turn)
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end of the stream", err)
	}
	if _, err := s.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v, want EPIPE", err)
	}
}
