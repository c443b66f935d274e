package dial

import (
	"net"
	"strings"
	"testing"
)

// A connection goes to an address, or to the first address of a host that accepts.
func TestTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	useResolver(t, newResolver(t, "127.0.0.2 api\n127.0.0.1 api", "", 1))
	for _, address := range []string{"127.0.0.1:" + port, "api:" + port} {
		c, err := TCP(t.Context(), address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		c.Close()
	}
}

// useResolver replaces the system's resolver until the end of the test.
func useResolver(t *testing.T, r resolver) {
	t.Helper()
	before := systemResolver
	systemResolver = r
	t.Cleanup(func() { systemResolver = before })
}

// An address that is malformed, or leads nowhere, is an error that quotes it.
func TestTCPFails(t *testing.T) {
	useResolver(t, newResolver(t, "127.0.0.1 api", "", 1))
	for address, want := range map[string]string{
		"api":         "missing port in address",
		"api:http":    `"http" is not a port`,
		"api:65536":   `"65536" is not a port`,
		"other:80":    `"other"`,
		"127.0.0.1:1": "connection refused",
	} {
		if c, err := TCP(t.Context(), address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want %s", address, c, err, want)
		}
	}
}

// By TCP, an answer that is not complete, or answers another question, is an error.
func TestLookupByTCPFails(t *testing.T) {
	for name, row := range map[string]struct {
		reply func(sizeAndAnswer []byte) []byte
		want  string
	}{
		"no size":       {func([]byte) []byte { return nil }, "EOF"},
		"a part":        {func(answer []byte) []byte { return answer[:len(answer)-1] }, "EOF"},
		"another query": {func(answer []byte) []byte { answer[2]++; return answer }, "malformed answer"},
	} {
		server := nameServer{zone: zone{"many. A": many}, tcp: row.reply, reply: truncated}
		r := newResolver(t, "", "", server.serve(t))
		if all, err := r.lookup(t.Context(), "many"); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, %v, want %s", name, all, err, row.want)
		}
	}
}

// A connection can use IPv6.
func TestIPv6(t *testing.T) {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("NOT TESTED: this machine has no IPv6: ", err)
	}
	defer listener.Close()
	c, err := TCP(t.Context(), listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
