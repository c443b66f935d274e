package dial

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A zone maps questions, each a name and a type such as "db. A", to their answers.
type zone map[string][]dnsmessage.Resource

func address(text string) dnsmessage.Resource {
	a := netip.MustParseAddr(text)
	if a.Is4() {
		return dnsmessage.Resource{Header: recordHead("x."), Body: &dnsmessage.AResource{A: a.As4()}}
	}
	return dnsmessage.Resource{Header: recordHead("x."), Body: &dnsmessage.AAAAResource{AAAA: a.As16()}}
}

func alias(name string) dnsmessage.Resource {
	return dnsmessage.Resource{Header: recordHead("y."), Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(name)}}
}

func recordHead(name string) dnsmessage.ResourceHeader {
	return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: 1}
}

// answer returns the message that answers a query. A name that no key begins with
// does not exist.
func (z zone) answer(t *testing.T, query []byte) []byte {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 || !m.RecursionDesired {
		t.Errorf("got the query %+v and %v", m, err)
		return nil
	}
	m.Response = true
	name, kind := m.Questions[0].Name.String(), strings.TrimPrefix(m.Questions[0].Type.String(), "Type")
	m.RCode = dnsmessage.RCodeNameError
	for key := range z {
		if strings.HasPrefix(key, name+" ") {
			m.RCode = dnsmessage.RCodeSuccess
		}
	}
	m.Answers = slices.Clone(z[name+" "+kind]) // Pack changes them
	b, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return b
}

// A nameServer answers by UDP with each message that reply returns, and by TCP with
// the bytes that tcp returns. Both may be nil: the answer of the zone.
type nameServer struct {
	zone  zone
	reply func(query, answer []byte) [][]byte
	tcp   func(sizeAndAnswer []byte) []byte
}

// serve returns the port of the server, which listens at 127.0.0.1.
func (s nameServer) serve(t *testing.T) uint16 {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool, 2)
	go func() { s.serveTCP(t, listener); done <- true }() // ends when the listener is closed
	go func() { s.serveUDP(t, packets); done <- true }()  // ends when packets are closed
	t.Cleanup(func() { listener.Close(); packets.Close(); <-done; <-done })
	return uint16(listener.Addr().(*net.TCPAddr).Port)
}

func (s nameServer) serveUDP(t *testing.T, packets net.PacketConn) {
	query := make([]byte, 512)
	for {
		n, from, err := packets.ReadFrom(query)
		if err != nil {
			return
		}
		replies := [][]byte{s.zone.answer(t, query[:n])}
		if s.reply != nil {
			replies = s.reply(query[:n], replies[0])
		}
		for _, r := range replies {
			_, _ = packets.WriteTo(r, from) // the client may have gone
		}
	}
}

func (s nameServer) serveTCP(t *testing.T, listener net.Listener) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		var size [2]byte
		_, _ = io.ReadFull(c, size[:])
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			t.Error(err)
		}
		answer := s.zone.answer(t, query)
		answer = append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)
		if s.tcp != nil {
			answer = s.tcp(answer)
		}
		_, _ = c.Write(answer) // the client may have gone
		c.Close()
	}
}

// newResolver returns a resolver with these files.
func newResolver(t *testing.T, hosts, config string, port uint16) resolver {
	t.Helper()
	dir := t.TempDir()
	r := resolver{filepath.Join(dir, "hosts"), filepath.Join(dir, "resolv.conf"), port}
	for path, text := range map[string]string{r.hosts: hosts, r.config: config} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func join(all []netip.Addr) string {
	var texts []string
	for _, a := range all {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, " ")
}

// The hosts file comes before the name servers.
func TestLookupHosts(t *testing.T) {
	const hosts = "# a comment\n::1 localhost ip6-localhost\n127.0.0.1\tLocalHost # db\nbroken db\n10.0.0.1 a b\n::ffff:10.0.0.2 b\n10.0.0.3"
	r := newResolver(t, hosts, "", nameServer{}.serve(t))
	for host, want := range map[string]string{
		"localhost": "127.0.0.1 ::1", "LOCALHOST.": "127.0.0.1 ::1", "b": "10.0.0.1 10.0.0.2", "10.1.2.3": "10.1.2.3", "::2": "::2",
	} {
		if all, err := r.lookup(t.Context(), host); err != nil || join(all) != want {
			t.Errorf("%s: got %v and %v, want %s", host, all, err, want)
		}
	}
	for _, host := range []string{"db", "", ".", "a..b", strings.Repeat("a", 64), strings.Repeat("a.", 130)} {
		if all, err := r.lookup(t.Context(), host); !errors.Is(err, errNoHost) {
			t.Errorf("%.20q: got %v and %v, want %v", host, all, err, errNoHost)
		}
	}
}

// many is more than a datagram can hold.
var many = slices.Repeat([]dnsmessage.Resource{address("10.0.0.9")}, 60)

// truncated is a reply with as much of the answer as a datagram can hold.
func truncated(_, answer []byte) [][]byte {
	if len(answer) <= maxDatagram {
		return [][]byte{answer}
	}
	cut := slices.Clone(answer[:maxDatagram])
	cut[2] |= 2 // the flag that it is truncated
	return [][]byte{cut}
}

func TestLookupServers(t *testing.T) {
	served := zone{
		"db. A": {address("10.0.0.1"), address("10.0.0.2")}, "db. AAAA": {address("fd00::1")},
		"four. A": {address("10.0.0.4")}, "six. AAAA": {address("fd00::6")}, "none. A": nil,
		"www.example. A": {alias("db.example."), address("10.0.0.5")},
		"a.svc.local. A": {address("10.0.0.6")}, "a.b. A": {address("10.0.0.7")}, "a.b.svc.local. A": {address("10.0.0.8")},
		"many. A": many,
	}
	forged := func(query, answer []byte) [][]byte {
		other := slices.Clone(answer)
		other[0]++
		question := slices.Clone(answer)
		question[13]++ // the first letter of its name
		return [][]byte{other, question, query, {1}, answer}
	}
	for _, row := range []struct {
		name, config, host, want string
		reply                    func(query, answer []byte) [][]byte
	}{
		{"both kinds", "", "db", "10.0.0.1 10.0.0.2 fd00::1", nil},
		{"IPv4", "", "four", "10.0.0.4", nil},
		{"IPv6", "", "six", "fd00::6", nil},
		{"an alias", "", "www.example", "10.0.0.5", nil},
		{"no addresses", "", "none", "", nil},
		{"no such name", "", "nowhere", "", nil},
		{"a domain", "search other.local svc.local\n", "a", "10.0.0.6", nil},
		{"the root as domain", "search .\n", "db", "10.0.0.1 10.0.0.2 fd00::1", nil},
		{"enough dots", "search svc.local", "a.b", "10.0.0.7", nil},
		{"too few dots", "search svc.local\noptions timeout:1 ndots:5", "a.b", "10.0.0.8", nil},
		{"a full name", "search svc.local\noptions ndots:5", "a.b.", "10.0.0.7", nil},
		{"a server that is down", "nameserver 127.0.0.2\nnameserver 127.0.0.1\n", "four", "10.0.0.4", nil},
		{"by TCP", "", "many", strings.TrimSpace(strings.Repeat("10.0.0.9 ", 60)), truncated},
		{"forged answers", "", "four", "10.0.0.4", forged},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newResolver(t, "", row.config, nameServer{zone: served, reply: row.reply}.serve(t))
			all, err := r.lookup(t.Context(), row.host)
			if join(all) != row.want || (row.want == "") != errors.Is(err, errNoHost) {
				t.Errorf("got %v and %v, want %q", all, err, row.want)
			}
		})
	}
}

// A server that fails is an error that names the server.
func TestLookupServerFails(t *testing.T) {
	for name, reply := range map[string]func(query, answer []byte) [][]byte{
		"error 2":          func(_, answer []byte) [][]byte { answer[3] = 2; return [][]byte{answer} },
		"malformed answer": func(_, answer []byte) [][]byte { answer[7] = 1; return [][]byte{answer} },
		"EOF":              func(_, _ []byte) [][]byte { return [][]byte{{}} },
	} {
		r := newResolver(t, "", "", nameServer{zone: zone{"db. A": nil}, reply: reply}.serve(t))
		if all, err := r.lookup(t.Context(), "db"); err == nil || !strings.Contains(err.Error(), `"db": name server 127.0.0.1: `+name) {
			t.Errorf("%s: got %v and %v", name, all, err)
		}
	}
}

// A lookup ends with its ctx, and a server that is silent is given up.
func TestLookupSilent(t *testing.T) {
	asked := make(chan bool, 8)
	silent := nameServer{reply: func(_, _ []byte) [][]byte { asked <- true; return nil }}
	port := silent.serve(t)
	r := newResolver(t, "", "search local\noptions timeout:200", port)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	go func() { <-asked; cancel(enough) }() // ends with the question
	if _, err := r.lookup(ctx, "db"); !errors.Is(err, enough) || len(asked) > 0 {
		t.Errorf("got %v after %d more questions", err, len(asked))
	}
	n := r.readConfig()
	n.timeout, n.attempts, n.search = time.Millisecond, 3, nil
	if _, err := n.lookup(t.Context(), "db"); err == nil || !strings.Contains(err.Error(), "no answer") || len(asked) != 3 {
		t.Errorf("got %v after %d questions", err, len(asked))
	}
}
