package protocol

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// Limits on what we read. They only keep a broken peer from filling the
// memory: the platforms stay far below.
const (
	maxHeader = 1 << 20  // bytes of one status line and its headers
	maxBody   = 64 << 20 // bytes of one body
	maxChunk  = 4096     // bytes of a chunk's size line, extensions and all
)

type request struct {
	method, path string
	header       []string // whole lines, without the line end
	body         []byte
}

// head is the request up to its body.
func (r *request) head(host string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.method, r.path, host)
	for _, line := range r.header {
		b.WriteString(line)
		b.WriteString("\r\n")
	}
	if r.method != "GET" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

type response struct {
	began  time.Time // when its first byte came
	status int
	header textproto.MIMEHeader
	body   []byte
	close  bool // the connection cannot carry another exchange
	repeat bool // the request was sent twice, and the first may have arrived
}

// readResponse reads one response to its last byte. Interim responses (1xx)
// are passed over. Where the rules leave room it reads as net/http does; a
// fuzz test holds the two together.
func readResponse(r *headReader) (*response, error) {
	for {
		resp, err := readHead(r)
		if err != nil {
			return nil, unexpected(err)
		}
		if resp.status/100 == 1 {
			continue
		}
		if err := resp.readBody(r.Reader); err != nil {
			return nil, unexpected(err)
		}
		return resp, nil
	}
}

// unexpected: whoever reads a response is in the middle of one.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func readHead(r *headReader) (*response, error) {
	r.limit(maxHeader)
	defer r.limit(unlimited)
	tp := textproto.NewReader(r.Reader)
	line, err := tp.ReadLine()
	if err != nil {
		return nil, err
	}
	resp := &response{}
	major, minor, err := resp.parseStatus(line)
	if err != nil {
		return nil, err
	}
	if resp.header, err = tp.ReadMIMEHeader(); err != nil {
		return nil, err
	}
	// 1.0 with keep-alive may stay open, but nobody needs it to.
	resp.close = major < 1 || major == 1 && minor == 0 || hasToken(resp.header["Connection"], "close")
	if major < 1 || major == 1 && minor == 0 {
		delete(resp.header, "Transfer-Encoding") // means nothing before HTTP/1.1
	}
	return resp, nil
}

// parseStatus reads "HTTP/1.1 200 OK"; the reason may be missing.
func (resp *response) parseStatus(line string) (major, minor int, err error) {
	version, rest, _ := strings.Cut(line, " ")
	status, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if len(version) != len("HTTP/1.1") || !strings.HasPrefix(version, "HTTP/") || version[6] != '.' ||
		!isDigits(version[5:6]+version[7:]) || len(status) != 3 || !isDigits(status) {
		return 0, 0, fmt.Errorf("not an HTTP response: it begins with %q", cut(line, 80))
	}
	resp.status, _ = strconv.Atoi(status)
	return int(version[5] - '0'), int(version[7] - '0'), nil
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func cut(s string, n int) string { return s[:min(n, len(s))] }

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

func (resp *response) readBody(r *bufio.Reader) (err error) {
	length, err := resp.length()
	switch {
	case err != nil:
		return err
	case resp.status == 204 || resp.status == 304:
		return nil
	case resp.header["Transfer-Encoding"] != nil:
		resp.body, err = readChunked(r, resp.header["Transfer-Encoding"])
	case length >= 0:
		resp.body, err = readExactly(r, length)
	default:
		resp.close = true
		resp.body, err = readToEnd(r)
	}
	return err
}

// length is the Content-Length, -1 where there is none. It may be repeated,
// but not contradict itself.
func (resp *response) length() (int64, error) {
	values := resp.header["Content-Length"]
	if len(values) == 0 {
		return -1, nil
	}
	first := textproto.TrimString(values[0])
	for _, v := range values[1:] {
		if textproto.TrimString(v) != first {
			return 0, fmt.Errorf("contradicting Content-Length headers %q", values)
		}
	}
	n, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("bad Content-Length %q", first)
	}
	return int64(n), nil
}

var errTooLarge = fmt.Errorf("a body of more than %d bytes", maxBody)

func readExactly(r *bufio.Reader, n int64) ([]byte, error) {
	if n > maxBody {
		return nil, errTooLarge
	}
	body := make([]byte, n)
	_, err := io.ReadFull(r, body)
	return body, err
}

func readToEnd(r *bufio.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errTooLarge
	}
	return body, err
}

// readChunked reads a body of chunks, and the trailers behind it, which
// nobody needs.
func readChunked(r *bufio.Reader, encoding []string) ([]byte, error) {
	if len(encoding) != 1 || !strings.EqualFold(encoding[0], "chunked") {
		return nil, fmt.Errorf("unsupported Transfer-Encoding %q", encoding)
	}
	var body []byte
	for {
		n, err := chunkSize(r)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			_, err := textproto.NewReader(r).ReadMIMEHeader()
			return body, err
		}
		if n > maxBody-uint64(len(body)) {
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

// chunkSize reads "1f;extension\r\n". Here, other than in headers, a bare LF
// is no line end: that way lies request smuggling.
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
	if len(text) == 0 || strings.Trim(text, "0123456789abcdefABCDEF") != "" {
		return 0, fmt.Errorf("bad chunk size %q", cut(string(line), 80))
	}
	return strconv.ParseUint(text, 16, 64)
}

// A headReader is a bufio.Reader whose source can be limited for as long as
// headers are read, which textproto takes without end.
type headReader struct {
	*bufio.Reader
	source *io.LimitedReader
}

const unlimited = 1<<63 - 1

func newHeadReader(r io.Reader) *headReader {
	source := &io.LimitedReader{R: r, N: unlimited}
	return &headReader{bufio.NewReader(source), source}
}

func (r *headReader) limit(n int64) { r.source.N = n }
