package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bootstrap/internal/procfs"
	"bootstrap/protocol"
)

// HTTPS works at the same port, for a client that trusts the served certificate.
func TestLocalHTTPS(t *testing.T) {
	t.Parallel()
	s := serve(t, shellFunction(t, `printf '%s' "$1"`))
	_, certificate := s.get(t, "_local/certificate.pem")
	dir := t.TempDir()
	write(t, dir, "ca.pem", certificate, 0o644)
	port := s.url[strings.LastIndexByte(s.url, ':')+1:]
	for _, host := range []string{"127.0.0.1", "localhost"} {
		line := fmt.Sprintf("curl -sS --fail --noproxy '*' --cacert %s/ca.pem -d 7 https://%s:%s/", dir, host, port)
		if stdout, stderr, status := shell(t, line); stdout != "7" || status != 0 {
			t.Errorf("%s: got %q, %d, %s", line, stdout, status, stderr)
		}
		if _, _, status := shell(t, strings.Replace(line, "--cacert "+dir+"/ca.pem", "", 1)); status != 60 {
			t.Errorf("%s: got status %d without the certificate, want 60", host, status)
		}
	}
}

// Any runtime works, in folders and in zips.
func TestLocalOtherRuntime(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/runtime.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*protocol.Platform{protocol.SCF, protocol.Lambda} {
		zipped := makeZip(t, "zipped.zip", 0o755, map[string][]byte{"bootstrap": text})
		dir := filepath.Join(t.TempDir(), "folder")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, dir, "bootstrap", string(text), 0o755)
		s := serve(t, "-platform", p.Name, dir, zipped)
		for _, name := range []string{"folder", "zipped"} {
			for i := range 3 {
				s.answers(t, "?function="+name, fmt.Sprint(i), 200, fmt.Sprint(i))
			}
		}
		if n := strings.Count(s.log.String(), "cold start"); n != 2 {
			t.Errorf("%s: got %d cold starts, want 2:\n%s", p.Name, n, s.log)
		}
		s.stop(t)
	}
}

// A large log passes completely, and is not kept in memory.
func TestLocalLargeLog(t *testing.T) {
	t.Parallel()
	const line, lines = 1000, 50_000
	dir := t.TempDir() // with a runtime that waits for the reader of its log: ours would drop bytes
	write(t, dir, "bootstrap", fetchOne+fmt.Sprintf("yes $(head -c %d /dev/zero | tr '\\0' x) | head -n %d >&2\n", line-1, lines)+
		"curl -s -d ok $api/invocation/response\nexec sleep 60\n", 0o755)
	s := serve(t, "-timeout", "60s", dir)
	s.answers(t, "", "1", 200, "ok")
	if peak := peakRSS(s.cmd.Process.Pid); peak > 100<<10 {
		t.Errorf("it used %d KB of memory", peak)
	}
	until(t, "the log is there", func() bool { return strings.Contains(s.log.String(), "✓") })
	if n := strings.Count(s.log.String(), " | xxx"); n != lines {
		t.Errorf("got %d lines, want %d", n, lines)
	}
}

// A binary log and a path with escape sequences do not break the terminal: only
// colours pass. A pipe gets the log byte for byte.
func TestLocalBinaryLog(t *testing.T) {
	t.Parallel()
	dir := shellFunction(t, `printf '\033[2J\033[31mred\033[0m \033]0;title\007 \000\377\r\n' >&2; printf '%s' '{"a":1}'`)
	a, url := attendLocal(t, nil, dir)
	sendTo(t, url, "1")
	a.waitFor(t, `\x1b[2J`+"\x1b[31mred\x1b[0m "+`\x1b]0;title\x07 \x00\xff\x0d`)
	name := "f" + filepath.Base(dir)
	sendTo(t, url+"/apigw/"+name+"/%1b%5b2Jx", "1")
	a.waitFor(t, name+`/\x1b[2Jx`)
	a.press(t, "q")
	a.end(t)
	if strings.Contains(a.said.String(), "\x1b[2J") || strings.Contains(a.said.String(), "\x1b]") {
		t.Errorf("got %q", a.said)
	}
	s := serve(t, dir)
	s.post(t, "", "1")
	s.logs(t, " | \x1b[2J\x1b[31mred\x1b[0m \x1b]0;title\a \x00\xff\r\n")
}

// The numbers of descriptors and processes do not grow with the events.
func TestLocalStaysSmall(t *testing.T) {
	t.Parallel()
	s := serve(t, "-instances", "2", shellFunction(t, "echo ok"))
	pid, before, children := s.cmd.Process.Pid, 0, 0
	for i := range 300 {
		s.answers(t, "", "1", 200, "ok")
		if 10 <= i && i < 30 { // several checks, because the shell may be about to fork for the next event
			before, children = max(before, descriptorsOf(pid)), max(children, len(procfs.Descendants(pid)))
		}
	}
	until(t, "there are as many descriptors as before", func() bool { return descriptorsOf(pid) <= before+2 })
	until(t, "there are as many processes as before", func() bool { return len(procfs.Descendants(pid)) <= children })
}

// descriptorsOf counts the open files of a process. It leaves out files in /proc,
// because the memory measurement keeps some open for each thread of an instance.
func descriptorsOf(pid int) (n int) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	all, _ := os.ReadDir(dir) // gone: none
	for _, entry := range all {
		if target, _ := os.Readlink(filepath.Join(dir, entry.Name())); !strings.HasPrefix(target, "/proc/") {
			n++
		}
	}
	return n
}
