package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// A proxy stands between bootstrap and its platform and injects faults.
type proxy struct {
	platform *protocol.Platform
	listener net.Listener
	backend  string
	choose   func(call string) fault // for each exchange; it may be called at any time
	serving  sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]bool // true: bootstrap's end
}

// A fault handles one exchange, and reports whether its connection stays open.
type fault func(*exchange) bool

// An exchange is a request of bootstrap whose body has not been read yet.
type exchange struct {
	*http.Request
	client     *net.TCPConn
	server     net.Conn
	fromServer *bufio.Reader
}

// startBehind does the same as start, with a proxy between bootstrap and the
// platform.
func startBehind(t testing.TB, p *protocol.Platform, fn emulator.Function, log io.Writer, choose func(call string) fault) (*emulator.Server, *emulator.Runner, *proxy) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &proxy{platform: p, listener: listener, choose: choose, open: map[net.Conn]bool{}}
	server, runner := start(t, p, fn, log, x.wrapper()...)
	x.backend, err = p.Endpoint(func(name string) string { return variable(server.Environment(), name) })
	if err != nil {
		t.Fatal(err)
	}
	x.serving.Go(x.accept)
	t.Cleanup(x.close)
	return server, runner, x
}

// wrapper makes bootstrap use the proxy as its platform.
func (p *proxy) wrapper() []string {
	address := p.listener.Addr().String()
	if len(p.platform.Address) == 1 {
		return []string{"env", p.platform.Address[0] + "=" + address}
	}
	host, port, _ := net.SplitHostPort(address) // it is one
	return []string{"env", p.platform.Address[0] + "=" + host, p.platform.Address[1] + "=" + port}
}

// variable returns the value of name in an environment.
func variable(env []string, name string) string {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.hangUp(hangUp)
	p.serving.Wait()
}

// hangUp closes all connections. The function closes those of bootstrap.
func (p *proxy) hangUp(how func(*net.TCPConn)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn, ours := range p.open {
		if ours {
			how(conn.(*net.TCPConn))
		} else {
			_ = conn.Close()
		}
	}
}

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // it is closed
		}
		p.serving.Go(func() { p.serve(conn.(*net.TCPConn)) })
	}
}

func (p *proxy) serve(client *net.TCPConn) {
	defer p.keep(client, true)()
	server, err := net.Dial("tcp", p.backend)
	if err != nil {
		return
	}
	defer p.keep(server, false)()
	fromClient, fromServer := bufio.NewReader(client), bufio.NewReader(server)
	for {
		r, err := http.ReadRequest(fromClient)
		if err != nil || !p.choose(p.call(r))(&exchange{r, client, server, fromServer}) {
			return
		}
	}
}

// keep notes a connection until it is closed.
func (p *proxy) keep(conn net.Conn, ours bool) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[conn] = ours
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, conn)
		_ = conn.Close()
	}
}

// call returns the name of a request: "ready", "next", "response", "error", or
// "extension" for requests of our extension.
func (p *proxy) call(r *http.Request) string {
	switch {
	case strings.Contains(r.URL.Path, "/extension/"):
		return "extension"
	case r.Method == http.MethodGet:
		return "next"
	case strings.Contains(r.URL.Path, "/response"):
		return "response"
	case strings.Contains(r.URL.Path, "/error"):
		return "error"
	default:
		return "ready"
	}
}

// The building blocks of faults.

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // the other side gets an error, not an end
	_ = c.Close()
}

func hangUp(c *net.TCPConn) { _ = c.Close() }

// pass forwards an exchange without a fault.
func pass(x *exchange) bool {
	answer, ok := x.forward()
	if ok {
		_, err := x.client.Write(answer)
		ok = err == nil
	}
	return ok
}

// forward forwards the request to the platform, and returns the answer.
func (x *exchange) forward() (answer []byte, ok bool) {
	if err := x.Write(x.server); err != nil {
		return nil, false
	}
	resp, err := http.ReadResponse(x.fromServer, x.Request)
	if err != nil {
		return nil, false
	}
	var b bytes.Buffer
	err = resp.Write(&b)
	return b.Bytes(), err == nil
}

// before closes the connection when that share of the body is read.
func before(share float64, end func(*net.TCPConn)) fault {
	return func(x *exchange) bool {
		_, _ = io.CopyN(io.Discard, x.Body, int64(share*float64(x.ContentLength)))
		end(x.client)
		return false
	}
}

// taken closes the connection when the platform has the request, and that share
// of its answer has been passed on.
func taken(share float64, end func(*net.TCPConn)) fault {
	return func(x *exchange) bool {
		answer, _ := x.forward()
		_, _ = x.client.Write(answer[:int(share*float64(len(answer)))])
		end(x.client)
		return false
	}
}

// says answers instead of the platform.
func says(answer string) fault {
	return func(x *exchange) bool {
		_, _ = io.Copy(io.Discard, x.Body)
		_, err := io.WriteString(x.client, answer)
		return err == nil
	}
}

// takenBut does the same as says, but the platform gets the request.
func takenBut(answer string) fault {
	return func(x *exchange) bool {
		_, ok := x.forward()
		return ok && says(answer)(x)
	}
}

// slowly passes on the answer in small pieces.
func slowly(x *exchange) bool {
	answer, ok := x.forward()
	for i := 0; ok && i < len(answer); i += 40 {
		_, err := x.client.Write(answer[i:min(i+40, len(answer))])
		ok = err == nil
	}
	return ok
}

func status(code int) string {
	return fmt.Sprintf("HTTP/1.1 %d Something\r\nContent-Length: 0\r\n\r\n", code)
}

// faults lists the faults of one exchange.
var faults = []struct {
	name  string
	calls string // it is for
	taken bool   // the platform has the request
	do    fault
}{
	{"reset before the body", "ready next response error", false, before(0, reset)},
	{"reset in the body", "response error", false, before(0.5, reset)},
	{"reset after the body", "ready response error", false, before(1, reset)},
	{"hang-up before the body", "ready next response error", false, before(0, hangUp)},
	{"hang-up in the body", "response error", false, before(0.5, hangUp)},
	{"hang-up after the body", "ready response error", false, before(1, hangUp)},
	{"reset when taken", "ready next response error", true, taken(0, reset)},
	{"hang-up when taken", "ready next response error", true, taken(0, hangUp)},
	{"reset in the answer", "ready next response error", true, taken(0.5, reset)},
	{"hang-up in the answer", "ready next response error", true, taken(0.5, hangUp)},
	{"reset after the answer", "ready next response error", true, taken(1, reset)},
	{"hang-up after the answer", "ready next response error", false, taken(1, hangUp)},
	{"500", "ready next response error", false, says(status(500))},
	{"503", "ready next response error", false, says(status(503))},
	{"408", "ready next response error", false, says(status(408))},
	{"500 when taken", "ready next response error", true, takenBut(status(500))},
	{"408 when idle", "ready next response error", false, func(x *exchange) bool { return pass(x) && says(status(408))(x) && false }},
	{"slow answer", "ready next response error", false, slowly},
	{"413", "response", false, says(status(413))},
	{"413 and hang-up", "response", false, func(x *exchange) bool { return says(status(413))(x) && false }},
}

// fits reports whether a fault can happen to this call. It excludes faults by which a
// platform loses an event because it delivers each event only once, and those that
// tell the runtime to exit.
func fits(f int, call string, p *protocol.Platform) bool {
	if call == "next" && p.FinalStatus && strings.HasPrefix(faults[f].name, "500") {
		return false
	}
	return strings.Contains(faults[f].calls, call) && (call != "next" || p.Repeats || !faults[f].taken)
}

// A once injects a fault into one exchange of a chosen call.
type once struct {
	mu   sync.Mutex
	call string // "": it has happened, or nothing is to
	do   fault
}

func (o *once) choose(call string) fault {
	o.mu.Lock()
	defer o.mu.Unlock()
	if call != o.call {
		return pass
	}
	o.call = ""
	return o.do
}

func (o *once) set(call string, do fault) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.call, o.do = call, do
}

func (o *once) happened() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.call == ""
}

// recorded is user code that records each event that it runs for, and fails if
// the event says so.
const recorded = `
echo "$FUNCTION_REQUEST_ID" >>ran
case $event in fail) exit 3 ;; *) printf %s "$event" ;; esac`

func recorder(t testing.TB) emulator.Function {
	return emulator.Function{Handler: "index.main_handler", Dir: shellFunction(t, "event=$1"+recorded), Timeout: time.Minute}
}

// A tally checks that each event ran once and has one answer, the correct one.
type tally struct {
	server *emulator.Server
	runner *emulator.Runner
	dir    string
	ids    []string
}

// invoke sends an event, whose result may have been refused as too large.
func (c *tally) invoke(t testing.TB, event string, refused bool) {
	t.Helper()
	out, err := c.runner.Invoke(context.Background(), emulator.Event{Body: []byte(event)})
	c.ids = append(c.ids, out.ID)
	switch {
	case err == nil && refused && out.Kind == emulator.Failure && out.ErrorType == "Function.ResponseSizeTooLarge":
	case err == nil && event == "fail" && out.Kind == emulator.Failure && out.ErrorType == "Function.ExitError":
	case err == nil && event != "fail" && out.Kind == emulator.Result && string(out.Body) == event:
	default:
		t.Errorf("event %q: got %v %s %.200q, %s, %v, want its answer", event, out.Kind, out.ErrorType, out.Body, out.Reason, err)
	}
}

func (c *tally) check(t testing.TB) {
	t.Helper()
	got := c.server.Stats()
	if got.Instances != 1 || got.Deliveries != len(c.ids) || got.Responses+got.Errors != len(c.ids) {
		t.Errorf("got %+v, want 1 instance and %d events, each with an answer", got, len(c.ids))
	}
	if ran := lines(t, c.dir, "ran"); !slices.Equal(ran, c.ids) {
		t.Errorf("the code ran for %d events, want once for each of %d", len(ran), len(c.ids))
	}
	if state := c.runner.Stop(); state == nil || state.ExitCode() != 0 {
		t.Errorf("after SIGTERM it ended with %v, want exit status 0", state)
	}
}

// lines returns the lines of a file in a function's folder, or none if there is no
// file.
func lines(t testing.TB, dir, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// TestA05OneFault makes each fault happen to each call, one at a time (A05,
// A06, A07, A11). The platform gets one answer to each event, and the code runs
// once for each.
func TestA05OneFault(t *testing.T) {
	everywhere(t, func(t *testing.T, p *protocol.Platform) {
		t.Parallel()
		var next once
		fn := recorder(t)
		server, runner, _ := startBehind(t, p, fn, nil, next.choose)
		c := &tally{server: server, runner: runner, dir: fn.Dir}
		for i, f := range faults {
			for _, call := range []string{"next", "response", "error"} {
				if !fits(i, call, p) {
					continue
				}
				next.set(call, f.do)
				c.invoke(t, map[bool]string{true: "fail", false: f.name}[call == "error"], f.name[:3] == "413")
				c.invoke(t, "and on", false) // a fault of the poll is one of this event's
				if !next.happened() {
					t.Errorf("%s of %s did not happen", f.name, call)
				}
			}
		}
		c.check(t)
	})
}

// Only SCF has a call that reports ready.
func TestA05ReadyFault(t *testing.T) {
	for i, f := range faults {
		if !fits(i, "ready", protocol.SCF) {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			var next once
			next.set("ready", f.do)
			fn := recorder(t)
			server, runner, _ := startBehind(t, protocol.SCF, fn, nil, next.choose)
			c := &tally{server: server, runner: runner, dir: fn.Dir}
			c.invoke(t, "hello", false)
			c.check(t)
			if !next.happened() {
				t.Error("it did not happen")
			}
		})
	}
}

// Random faults occur, several in a row.
func TestA05ManyFaults(t *testing.T) {
	events := effort.Repeats(40)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var running sync.WaitGroup
	for n, p := range slices.Concat(protocol.Platforms, protocol.Platforms) {
		m := &mixed{platform: p, random: rand.New(rand.NewPCG(seed, uint64(n)))}
		fn := recorder(t)
		if n >= len(protocol.Platforms) {
			fn = ways[0].function(t, "event=$(cat)"+recorded)
		}
		server, runner, _ := startBehind(t, p, fn, nil, m.choose)
		running.Go(func() {
			c := &tally{server: server, runner: runner, dir: fn.Dir}
			for i := range events {
				event := fmt.Sprint("event ", i)
				if i%5 == 4 {
					event = "fail"
				}
				c.invoke(t, event, true)
			}
			c.check(t)
		})
	}
	running.Wait()
}

// mixed injects a fault into two of five exchanges, and none into those of an
// extension.
type mixed struct {
	platform *protocol.Platform
	mu       sync.Mutex
	random   *rand.Rand
}

func (m *mixed) choose(call string) fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	if call == "extension" || m.random.IntN(5) >= 2 {
		return pass
	}
	for {
		if i := m.random.IntN(len(faults)); fits(i, call, m.platform) {
			return faults[i].do
		}
	}
}

// The platform, or a network between, may drop an idle connection: that of a
// poll that is held, or the one that is idle while the code runs. The sandbox
// may be frozen after that.
func TestT10DroppedWhenIdle(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn){"reset": reset, "hang-up": hangUp} {
		for _, frozen := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, frozen: %v", name, frozen), func(t *testing.T) {
				everywhere(t, func(t *testing.T, p *protocol.Platform) {
					t.Parallel()
					fn := recorder(t)
					log, begun := watch(t, "begun")
					fn.Dir = shellFunction(t, "event=$1; [ $event = 1 ] || { echo begun >&2; until [ -e go ]; do sleep 0.01; done; }"+recorded)
					server, runner, x := startBehind(t, p, fn, log, func(string) fault { return pass })
					c := &tally{server: server, runner: runner, dir: fn.Dir}
					c.invoke(t, "1", false)
					until(t, "bootstrap polls", func() bool { return server.Stats().Polls == 2 })
					x.drop(t, pidOf(runner), end, frozen) // the poll
					until(t, "the platform sees that the poll is gone, or has another", func() bool {
						return server.Stats().Idle > 0 || server.Stats().Polls > 2
					})
					running := make(chan bool)
					go func() { // ends with its event
						defer close(running)
						c.invoke(t, "2", false)
					}()
					select {
					case <-begun:
					case <-running:
						t.Fatal("the event was not run")
					}
					x.drop(t, pidOf(runner), end, frozen) // while the code runs
					write(t, fn.Dir, "go", "", 0o644)
					<-running
					c.check(t)
				})
			})
		}
	}
}

// drop closes all connections, while bootstrap is frozen or not.
func (p *proxy) drop(t *testing.T, pid int, end func(*net.TCPConn), frozen bool) {
	if frozen {
		signal(t, pid, syscall.SIGSTOP)
		defer signal(t, pid, syscall.SIGCONT)
	}
	p.hangUp(end)
}

// until waits until a condition holds, for as long as a busy machine may need.
func until(t testing.TB, what string, fact func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !fact(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen that %s", what)
		}
	}
}

func signal(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}
