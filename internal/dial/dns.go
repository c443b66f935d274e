//go:build linux

package dial

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/net/dns/dnsmessage"
)

// A query asks for the IPv4 or the IPv6 addresses of a full name.
type query struct {
	id       uint16
	question dnsmessage.Question
	message  []byte
}

// newQuery returns errNoHost for a name that cannot exist.
func newQuery(name string, kind dnsmessage.Type) (*query, error) {
	full, err := dnsmessage.NewName(name)
	if err != nil {
		return nil, errNoHost
	}
	q := &query{id: uint16(rand.Uint32()), question: dnsmessage.Question{Name: full, Type: kind, Class: dnsmessage.ClassINET}}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: q.id, RecursionDesired: true})
	_ = b.StartQuestions() // the first section: it can begin
	if err := b.Question(q.question); err != nil {
		return nil, errNoHost
	}
	q.message, err = b.Finish()
	return q, err
}

// ask asks the servers in turn until one answers, even if it says that the name does
// not exist.
func (n *nameServers) ask(ctx context.Context, name string, kind dnsmessage.Type) (all []netip.Addr, err error) {
	q, err := newQuery(name, kind)
	if err != nil {
		return nil, err
	}
	for range n.attempts {
		for _, server := range n.servers {
			all, err = n.askServer(ctx, server, q)
			if err == nil || err == errNoHost || ctx.Err() != nil {
				return all, err
			}
			err = fmt.Errorf("name server %v: %w", server.Addr(), err)
		}
	}
	return nil, err
}

// askServer asks by UDP, and again by TCP if the answer is too long for UDP.
func (n *nameServers) askServer(ctx context.Context, server netip.AddrPort, q *query) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, n.timeout, errors.New("no answer"))
	defer cancel()
	a, err := askUDP(ctx, server, q)
	if err == nil && a.head.Truncated {
		a, err = askTCP(ctx, server, q)
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	}
	return a.addresses(q.question.Type)
}

// maxDatagram is the size of the largest message by UDP (RFC 1035, section 4.2.1).
const maxDatagram = 512

func askUDP(ctx context.Context, server netip.AddrPort, q *query) (*answer, error) {
	family, to := sockaddr(server)
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	c := &Conn{fd: fd}
	defer c.Close()
	if err := syscall.Connect(fd, to); err != nil { // does not block
		return nil, err
	}
	defer c.Interruptible(ctx)()
	if _, err := c.Write(q.message); err != nil {
		return nil, err
	}
	for message := make([]byte, maxDatagram); ; {
		size, err := c.Read(message)
		if err != nil {
			return nil, err
		}
		if a := q.answer(message[:size]); a != nil { // otherwise it is late or forged
			return a, nil
		}
	}
}

func askTCP(ctx context.Context, server netip.AddrPort, q *query) (*answer, error) {
	c, err := connect(ctx, server)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer c.Interruptible(ctx)()
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(q.message))), q.message...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, message); err != nil {
		return nil, err
	}
	if a := q.answer(message); a != nil {
		return a, nil
	}
	return nil, errAnswer
}

// An answer is a message that answers a query.
type answer struct {
	head   dnsmessage.Header
	parser dnsmessage.Parser // has read the questions
}

var errAnswer = errors.New("malformed answer")

// answer returns nil unless the message has the number of the query and repeats its
// question.
func (q *query) answer(message []byte) *answer {
	a := &answer{}
	var err error
	if a.head, err = a.parser.Start(message); err != nil || a.head.ID != q.id || !a.head.Response {
		return nil
	}
	got, err := a.parser.AllQuestions()
	if err != nil || len(got) != 1 || got[0].Type != q.question.Type || got[0].Class != q.question.Class ||
		!strings.EqualFold(got[0].Name.String(), q.question.Name.String()) {
		return nil
	}
	return a
}

// addresses returns the addresses of a kind. A server resolves aliases, and sends the
// addresses of the last one.
func (a *answer) addresses(kind dnsmessage.Type) (all []netip.Addr, err error) {
	switch a.head.RCode {
	case dnsmessage.RCodeSuccess:
	case dnsmessage.RCodeNameError:
		return nil, errNoHost
	default:
		return nil, fmt.Errorf("error %d", a.head.RCode)
	}
	for {
		h, err := a.parser.AnswerHeader()
		switch {
		case err == dnsmessage.ErrSectionDone:
			return all, nil
		case err == nil && h.Type == kind && h.Class == dnsmessage.ClassINET:
			var address netip.Addr
			address, err = a.address(kind)
			all = append(all, address)
		case err == nil:
			err = a.parser.SkipAnswer()
		}
		if err != nil {
			return nil, errAnswer
		}
	}
}

// address reads the next record.
func (a *answer) address(kind dnsmessage.Type) (netip.Addr, error) {
	if kind == dnsmessage.TypeA {
		r, err := a.parser.AResource()
		return netip.AddrFrom4(r.A), err
	}
	r, err := a.parser.AAAAResource()
	return netip.AddrFrom16(r.AAAA).Unmap(), err
}
