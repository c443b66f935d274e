package http1

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// responses lists good and bad responses. FuzzReadResponse begins with them and
// compares each with net/http.
var responses = []struct {
	name   string
	wire   string
	status int // 0: refused
	body   string
	close  bool // no other exchange on this connection
}{
	{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false},
	{"length with more behind", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello", 200, "he", false},
	{"empty", "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202, "", false},
	{"request ids", "HTTP/1.1 200 OK\r\nRequest_Id: a\r\nrequest_id: b\r\nLambda-Runtime-Aws-Request-Id: c\r\nContent-Length: 0\r\n\r\n", 200, "", false},
	{"said twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length:  2\r\n\r\nok", 200, "ok", false},
	{"padded length", "HTTP/1.1 200 OK\r\nContent-Length: 002 \r\n\r\nok", 200, "ok", false},
	{"until close", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it", true},
	{"1.0", "HTTP/1.0 200 OK\r\n\r\nall of it", 200, "all of it", true},
	{"1.0 with length", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nall of it", 200, "all", true},
	{"1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nall", 200, "all", true},
	{"1.0 does not chunk", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "0\r\n\r\n", true},
	{"1.2", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
	{"hangs up", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", true},
	{"no reason phrase", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
	{"long reason phrase", "HTTP/1.1  200 it went well: 404\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
	{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, "ok", false},
	{"folded header", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
	{"large header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 5000) + "\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
	{"204 has no body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, "", false},
	{"304 has no body", "HTTP/1.1 304 Not Modified\r\n\r\nhello", 304, "", false},
	{"interim ones", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},

	{"chunks", chunkedHead + "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 200, "hello!", false},
	{"no chunk", chunkedHead + "0\r\n\r\n", 200, "", false},
	{"chunks with extensions", chunkedHead + "5;a=b;c=\"d\" \t\r\nhello\r\n0;last\r\n\r\n", 200, "hello", false},
	{"chunks with trailers", chunkedHead + "0A\r\n0123456789\r\n0\r\nChecksum: 1\r\nX: y\r\n\r\n", 200, "0123456789", false},
	{"chunks before length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\nContent-Length: 99\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, "a", false},
	{"chunks and 204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 204, "", false},

	{"nothing", "", 0, "", false},
	{"not HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n", 0, "", false},
	{"HTML", "<html>HTTP/1.1 200 OK</html>\r\n\r\n", 0, "", false},
	{"short status", "HTTP/1.1 20 OK\r\n\r\n", 0, "", false},
	{"long status", "HTTP/1.1 2000 OK\r\n\r\n", 0, "", false},
	{"status of letters", "HTTP/1.1 2OO OK\r\n\r\n", 0, "", false},
	{"long version", "HTTP/1.10 200 OK\r\n\r\n", 0, "", false},
	{"ends in the status", "HTTP/1.1 200 O", 0, "", false},
	{"ends in the headers", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", 0, "", false},
	{"ends in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", 0, "", false},
	{"ends behind an interim one", "HTTP/1.1 100 Continue\r\n\r\n", 0, "", false},
	{"header without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", 0, "", false},
	{"header with a NUL", "HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n", 0, "", false},
	{"lengths that contradict", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 0, "", false},
	{"list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab", 0, "", false},
	{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, "", false},
	{"signed length", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na", 0, "", false},
	{"empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", 0, "", false},
	{"bad length with chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n", 0, "", false},
	{"bad length of an interim one", "HTTP/1.1 100 Continue\r\nContent-Length: x\r\n\r\nHTTP/1.1 204 OK\r\n\r\n", 0, "", false},
	{"other encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0, "", false},
	{"two encodings", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "", false},
	{"encoding with a Kelvin sign", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chun\u212aed\r\n\r\n0\r\n\r\n", 0, "", false},
	{"other encoding of a 204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: gzip\r\n\r\n", 0, "", false},
	{"short chunk", chunkedHead + "5\r\nhell", 0, "", false},
	{"chunk longer than it says", chunkedHead + "4\r\nhello\r\n0\r\n\r\n", 0, "", false},
	{"no last chunk", chunkedHead + "5\r\nhello\r\n", 0, "", false},
	{"no end behind the last chunk", chunkedHead + "5\r\nhello\r\n0\r\n", 0, "", false},
	{"chunk size of nothing", chunkedHead + "\r\nhello\r\n0\r\n\r\n", 0, "", false},
	{"chunk size of letters", chunkedHead + "five\r\nhello\r\n0\r\n\r\n", 0, "", false},
	{"chunk size with a sign", chunkedHead + "+5\r\nhello\r\n0\r\n\r\n", 0, "", false},
	{"chunk size with zeros", chunkedHead + "00000000000000005\r\nhello\r\n0\r\n\r\n", 0, "", false},
	{"chunk size that wraps", chunkedHead + "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", 0, "", false},
	{"chunk size behind a bare line feed", chunkedHead + "5\nhello\r\n0\r\n\r\n", 0, "", false},
	{"chunk size with a carriage return", chunkedHead + "5\r;x\r\nhello\r\n0\r\n\r\n", 0, "", false},
	{"chunk extension with a carriage return", chunkedHead + "5;x\ry\r\nhello\r\n0\r\n\r\n", 0, "", false},
	{"chunk size with a long extension", chunkedHead + "5;" + strings.Repeat("x", 4096) + "\r\nhello\r\n0\r\n\r\n", 0, "", false},
	{"trailer with bare line feeds", chunkedHead + "5\r\nhello\r\n0\r\nX: y\n\n", 0, "", false},
	{"trailer that is a bare line feed", chunkedHead + "5\r\nhello\r\n0\r\n\n", 0, "", false},
	{"long trailer", chunkedHead + "5\r\nhello\r\n0\r\nX: " + strings.Repeat("y", 4096) + "\r\n\r\n", 0, "", false},
	{"trailer without a colon", chunkedHead + "5\r\nhello\r\n0\r\nnonsense\r\n\r\n", 0, "", false},
}

const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

func TestReadResponse(t *testing.T) {
	for _, test := range responses {
		t.Run(test.name, func(t *testing.T) {
			resp, err := readResponse(newHeadReader(strings.NewReader(test.wire)), false)
			if test.status == 0 {
				if err == nil || err == io.EOF {
					t.Fatalf("got %d, error %v, want a refusal", resp.Status, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if resp.Status != test.status || string(resp.Body) != test.body || resp.close != test.close {
				t.Errorf("got %d %q close=%v, want %d %q close=%v",
					resp.Status, resp.Body, resp.close, test.status, test.body, test.close)
			}
		})
	}
}

// readResponse does not read beyond its response.
func TestReadResponseLeavesTheRest(t *testing.T) {
	var stream strings.Builder
	var want []string
	for _, test := range responses {
		if test.status/100 == 2 && !test.close && test.name != "length with more behind" && !strings.HasPrefix(test.name, "204") {
			stream.WriteString(test.wire)
			want = append(want, test.body)
		}
	}
	r := newHeadReader(strings.NewReader(stream.String()))
	for i, body := range want {
		resp, err := readResponse(r, false)
		if err != nil {
			t.Fatalf("response %d: %v", i, err)
		}
		if string(resp.Body) != body {
			t.Fatalf("response %d: got %q, want %q", i, resp.Body, body)
		}
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		t.Errorf("got %q behind the last, want nothing", rest)
	}
}

// endless repeats a text for ever and counts the bytes that were read.
type endless struct {
	text  string
	taken int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.text[(e.taken+n)%len(e.text):])
	}
	e.taken += n
	return n, nil
}

func TestReadResponseLimits(t *testing.T) {
	page := strings.Repeat("x", 4096)
	chunk := "100000\r\n" + strings.Repeat("x", 1<<20) + "\r\n"
	tests := []struct {
		name, start, endless string
		most                 int
	}{
		{"status line", "HTTP/1.1 200 ", page, maxHeader},
		{"one header", "HTTP/1.1 200 OK\r\nX: ", page, maxHeader},
		{"many headers", "HTTP/1.1 200 OK\r\n", "X: yyyyyyyyy\r\n", maxHeader},
		{"trailers", chunkedHead + "0\r\n", "X: yyyyyyyyy\r\n", 0},
		{"chunk size", chunkedHead, "0", 0},
		{"said to be large", "HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n", "x", 0},
		{"large chunk", chunkedHead + "1000001\r\n", "x", 0},
		{"largest chunk", chunkedHead + "ffffffffffffffff\r\n", "x", 0},
		{"many chunks", chunkedHead, chunk, maxBody + maxBody/32},
		{"until close", "HTTP/1.1 200 OK\r\n\r\n", page, maxBody},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := &endless{text: test.endless}
			_, err := readResponse(newHeadReader(io.MultiReader(strings.NewReader(test.start), source)), false)
			if err == nil {
				t.Error("got a response, want an error")
			}
			if most := test.most + 8192; source.taken > most { // and what the buffer holds
				t.Errorf("got %d bytes read, want at most %d", source.taken, most)
			}
		})
	}
}

func TestRequestHead(t *testing.T) {
	tests := []struct {
		name string
		req  Request
		want string
	}{
		{"get", Request{Method: "GET", Path: "/next"}, "GET /next HTTP/1.1\r\nHost: h:1\r\n\r\n"},
		{"post", Request{Method: "POST", Path: "/x", Header: []string{"A: b", "C: d"}, Body: []byte("body")},
			"POST /x HTTP/1.1\r\nHost: h:1\r\nA: b\r\nC: d\r\nContent-Length: 4\r\n\r\n"},
		{"post of nothing", Request{Method: "POST", Path: "/x"}, "POST /x HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\n\r\n"},
	}
	for _, test := range tests {
		if got := test.req.appendHead(nil, "h:1"); !bytes.Equal(got, []byte(test.want)) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
