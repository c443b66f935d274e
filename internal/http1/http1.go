package http1

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// Limits on responses. They keep a broken peer from filling the memory. Platforms
// stay far below them.
const (
	maxHeader = 1 << 20  // bytes of one status line and its headers
	maxBody   = 16 << 20 // bytes of one body
	maxChunk  = 4096     // bytes of a chunk's size line, extensions and all
)

// A Request is one HTTP request.
type Request struct {
	Method, Path string
	Header       []string // whole lines, without the line end
	Body         []byte
	Memory       func(size int) []byte // for the body of the response; may be nil or return nil

	StatusSuffices bool          // ignore errors after the status line of the response
	Grace          time.Duration // for the rest of a response that has begun when ctx ends
}

// appendHead appends the request up to its body.
func (r *Request) appendHead(b []byte, host string) []byte {
	for _, part := range []string{r.Method, " ", r.Path, " HTTP/1.1\r\nHost: ", host, "\r\n"} {
		b = append(b, part...)
	}
	for _, line := range r.Header {
		b = append(append(b, line...), "\r\n"...)
	}
	if r.Method != "GET" {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(r.Body)), 10), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// A Response is the final response to a Request.
type Response struct {
	Began  time.Time // when its first line arrived
	Status int
	Header textproto.MIMEHeader
	Body   []byte
	Repeat bool // the request was sent twice, and the first one may have arrived
	close  bool // the connection cannot carry another exchange
}

// Excerpt returns the beginning of the body as text.
func (resp *Response) Excerpt() string {
	return textproto.TrimString(strings.ToValidUTF8(cut(string(resp.Body), 200), ""))
}

// readResponse reads one response to its last byte, and skips interim responses
// (1xx). With statusSuffices it ignores errors after the status line. Where RFC 9112
// leaves a choice, it does what net/http does; a fuzz test compares the two.
func readResponse(r *headReader, statusSuffices bool) (*Response, error) {
	for {
		resp, err := readHead(r)
		if err == nil {
			err = resp.readBody(r)
		}
		if err != nil && statusSuffices && resp != nil && resp.Status/100 != 1 {
			resp.close, err = true, nil
		}
		if err != nil {
			return nil, unexpectedEOF(err)
		}
		if resp.Status/100 != 1 {
			return resp, nil
		}
	}
}

// unexpectedEOF turns io.EOF into io.ErrUnexpectedEOF.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readHead reads a status line and its headers. If only the headers are bad, it
// returns both a response and an error.
func readHead(r *headReader) (*Response, error) {
	r.limit(maxHeader)
	defer r.limit(unlimited)
	line, err := r.ReadString('\n')
	if line == "" {
		return nil, err
	}
	status, minor, bad := parseStatus(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
	if bad != nil || err != nil {
		return nil, cmp.Or(bad, err)
	}
	resp := &Response{Began: time.Now(), Status: status}
	if resp.Header, err = textproto.NewReader(r.Reader).ReadMIMEHeader(); err != nil {
		return resp, err
	}
	// HTTP/1.0 with keep-alive could stay open, but no platform needs that.
	resp.close = minor == 0 || hasToken(resp.Header["Connection"], "close")
	if minor == 0 {
		delete(resp.Header, "Transfer-Encoding") // has no meaning before HTTP/1.1
	}
	return resp, nil
}

// parseStatus parses a line such as "HTTP/1.1 200 OK". The reason may be missing.
func parseStatus(line string) (status, minor int, err error) {
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	digit, ok := strings.CutPrefix(version, "HTTP/1.")
	if !ok || len(digit) != 1 || len(code) != 3 || !isDigits(digit+code) {
		return 0, 0, fmt.Errorf("not an HTTP/1 response: it begins with %q", cut(line, 80))
	}
	status, _ = strconv.Atoi(code)
	return status, int(digit[0] - '0'), nil
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// cut shortens a text to n bytes and adds a …, which tells the log's mask that a
// part of a secret may stand before it.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

func hasToken(values []string, token string) bool {
	for _, value := range values {
		for t := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(textproto.TrimString(t), token) {
				return true
			}
		}
	}
	return false
}

func (resp *Response) readBody(r *headReader) error {
	chunked, err := resp.chunked()
	if err != nil {
		return err
	}
	length, err := resp.length()
	switch {
	case err != nil:
		return err
	case resp.Status/100 == 1 || resp.Status == 204 || resp.Status == 304:
		return nil
	case chunked:
		resp.Body, err = readChunked(r.Reader)
	case length >= 0:
		resp.Body, err = readExactly(r, length)
	default:
		resp.close = true
		resp.Body, err = readToEnd(r.Reader)
	}
	return err
}

// chunked reports whether the body is chunked, and refuses any other encoding.
func (resp *Response) chunked() (bool, error) {
	values := resp.Header["Transfer-Encoding"]
	if len(values) == 0 {
		return false, nil
	}
	const name = "chunked" // compare the length, too: EqualFold accepts a Kelvin sign for k
	if len(values) != 1 || len(values[0]) != len(name) || !strings.EqualFold(values[0], name) {
		return false, fmt.Errorf("unsupported Transfer-Encoding %q", values)
	}
	return true, nil
}

// length returns the Content-Length, or -1 if there is none. Repeated headers must
// agree.
func (resp *Response) length() (int64, error) {
	values := resp.Header["Content-Length"]
	if len(values) == 0 {
		return -1, nil
	}
	first := textproto.TrimString(values[0])
	for _, v := range values[1:] {
		if textproto.TrimString(v) != first {
			return 0, fmt.Errorf("conflicting Content-Length headers %q", values)
		}
	}
	n, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("bad Content-Length %q", first)
	}
	return int64(n), nil
}

var errTooLarge = fmt.Errorf("the body has more than %d bytes", maxBody)

func readExactly(r *headReader, n int64) ([]byte, error) {
	if n > maxBody {
		return nil, errTooLarge
	}
	body := r.buffer(int(n))
	got, err := io.ReadFull(r, body)
	return body[:got], err
}

func readToEnd(r *bufio.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errTooLarge
	}
	return body, err
}

// readChunked reads a chunked body, and reads and ignores its trailers.
func readChunked(r *bufio.Reader) ([]byte, error) {
	var body []byte
	for {
		n, err := chunkSize(r)
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			return body, readTrailer(r)
		case n > maxBody-uint64(len(body)):
			return nil, errTooLarge
		}
		at := len(body)
		body = append(body, make([]byte, n)...)
		if _, err := io.ReadFull(r, body[at:]); err != nil {
			return nil, err
		}
		var end [2]byte
		if _, err := io.ReadFull(r, end[:]); err != nil || string(end[:]) != "\r\n" {
			return nil, errors.Join(errors.New("chunk does not end where its size says"), err)
		}
	}
}

// readTrailer skips the trailers, up to an empty line. They must fit the buffer. As
// in chunk sizes, a bare LF does not end a line.
func readTrailer(r *bufio.Reader) error {
	start, err := r.Peek(2)
	for n := 4; err == nil && string(start) != "\r\n" && !bytes.HasSuffix(start, []byte("\r\n\r\n")); n++ {
		start, err = r.Peek(n)
	}
	if err != nil {
		return err
	}
	_, err = textproto.NewReader(r).ReadMIMEHeader()
	return err
}

// chunkSize reads a line such as "1f;extension\r\n". Unlike in headers, a bare LF
// does not end the line, as that allows request smuggling.
func chunkSize(r *bufio.Reader) (uint64, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || strings.Contains(text, "\r") || len(text) >= maxChunk {
		return 0, fmt.Errorf("bad chunk size %q", cut(string(line), 80))
	}
	text, _, _ = strings.Cut(strings.TrimRight(text, " \t"), ";")
	if len(text) == 0 || len(text) > 16 || strings.Trim(text, "0123456789abcdefABCDEF") != "" {
		return 0, fmt.Errorf("bad chunk size %q", cut(string(line), 80))
	}
	return strconv.ParseUint(text, 16, 64)
}
