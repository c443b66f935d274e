package api

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// maxConns is how many connections there may be. More wait in the kernel.
const maxConns = 1000

// helloTime is how long a client may take to send its first byte.
const helloTime = 30 * time.Second

// A listener accepts TLS and plain connections at one port. It tells them apart
// by their first byte.
type listener struct {
	net.Listener
	config *tls.Config

	places chan struct{} // has room for each connection
	ready  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Listen returns a listener for plain HTTP and for HTTPS with the certificate.
func Listen(l net.Listener, certificate tls.Certificate) net.Listener {
	both := &listener{
		Listener: l, config: &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}},
		places: make(chan struct{}, maxConns), ready: make(chan net.Conn), closed: make(chan struct{}),
	}
	go both.acceptAll() // ends when the listener is closed
	return both
}

func (l *listener) acceptAll() {
	for {
		select {
		case l.places <- struct{}{}:
		case <-l.closed:
			return
		}
		conn, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			l.end()
			return
		case err != nil: // there are no descriptors left, or the client is gone already
			<-l.places
			time.Sleep(acceptPause)
		default:
			go l.sort(l.placed(conn)) // ends with the first byte, or after helloTime
		}
	}
}

// acceptPause is the time before the next try to accept a connection after an error.
const acceptPause = 20 * time.Millisecond

// placed returns a connection that gives its place back when it is closed.
func (l *listener) placed(conn net.Conn) *peekedConn {
	leave := sync.OnceFunc(func() { <-l.places })
	return &peekedConn{Conn: conn, reader: bufio.NewReaderSize(conn, 16), leave: leave}
}

// sort passes on a connection when its first byte has arrived.
func (l *listener) sort(conn *peekedConn) {
	_ = conn.SetReadDeadline(time.Now().Add(helloTime)) // an error shows in the read
	first, err := conn.reader.Peek(1)
	_ = conn.SetReadDeadline(time.Time{})
	if err != nil {
		conn.Close()
		return
	}
	var passed net.Conn = conn
	const handshake = 0x16 // the type of TLS's first record
	if first[0] == handshake {
		passed = tls.Server(conn, l.config)
	}
	select {
	case l.ready <- passed:
	case <-l.closed:
		conn.Close()
	}
}

// Accept returns the next connection that has sent its first byte.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.ready:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close closes the listener, but not its connections.
func (l *listener) Close() error {
	l.end()
	return l.Listener.Close()
}

func (l *listener) end() { l.once.Do(func() { close(l.closed) }) }

// A peekedConn is a connection with a buffer that holds its first bytes.
type peekedConn struct {
	net.Conn
	reader *bufio.Reader
	leave  func() // is called once the connection is closed
}

// Close closes the connection.
func (c *peekedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

func (c *peekedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }

// NewCertificate returns a self-signed certificate for this machine, which also has
// these names and addresses, and its PEM for clients to trust.
func NewCertificate(hosts []string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("cannot make a certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "bootstrapctl local"},
		NotBefore:             time.Now().Add(-time.Hour), // clocks differ
		NotAfter:              time.Now().AddDate(0, 0, 30),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true, // so that a client can trust it
		DNSNames:              []string{"localhost", "*.localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("cannot make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
