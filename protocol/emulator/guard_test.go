package emulator

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"bootstrap/protocol"
)

// A page in a browser can neither read the event nor answer it, whatever name
// it uses for this host.
func TestPagesAreRefused(t *testing.T) {
	onAllPlatforms(t, func(t *testing.T, p *protocol.Platform) {
		f := start(t, p, Function{})
		inv := f.submit(Event{ID: "1", Body: []byte("secret")})
		address := strings.TrimPrefix(f.url(""), "http://")
		_, port, _ := net.SplitHostPort(address)
		for _, header := range []string{"Host: evil.example", "Host: evil.example:" + port, "Host: localhost:" + port, "Host: " + address + "\r\nOrigin: https://evil.example",
			"Host: " + address + "\r\nOrigin: null", "Host: " + address + "\r\nSec-Fetch-Site: none", "Host: " + address + "\r\nSec-Fetch-Mode: no-cors"} {
			for _, call := range []string{"GET " + p.Next, "POST " + strings.Replace(p.Response, "{id}", "1", 1), "POST " + strings.Replace(p.Error, "{id}", "1", 1)} {
				if status, body := raw(t, address, call+" HTTP/1.1\r\n"+header+"\r\nContent-Length: 0\r\n\r\n"); status != 403 || strings.Contains(body, "secret") {
					t.Errorf("%q, %q: got %d %s, want 403", call, header, status, body)
				}
			}
		}
		f.next()
		f.respond(p.Accepted, "1", "ours")
		f.check(inv, Outcome{Kind: Result, ID: "1", Body: []byte("ours")})
	})
}

// A client of HTTP/1.0 need not send a Host header.
func TestNoHost(t *testing.T) {
	f := start(t, protocol.SCF, Function{})
	f.submit(Event{ID: "1", Body: []byte("event")})
	if status, body := raw(t, strings.TrimPrefix(f.url(""), "http://"), "GET "+f.p.Next+" HTTP/1.0\r\n\r\n"); status != 200 || body != "event" {
		t.Errorf("got %d %q, want the event", status, body)
	}
}

// No call makes the server keep more than a few bytes.
func TestLongHeader(t *testing.T) {
	f := start(t, protocol.SCF, Function{})
	address := strings.TrimPrefix(f.url(""), "http://")
	status, _ := raw(t, address, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nX: %s\r\n\r\n", f.p.Next, address, strings.Repeat("x", 1<<20)))
	if status != 431 {
		t.Errorf("got %d, want 431", status)
	}
}

// raw sends bytes and returns the answer to them.
func raw(t *testing.T, address, request string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, request) }() // it may be refused before its end
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
