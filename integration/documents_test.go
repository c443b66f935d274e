package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A block is a fenced block of a document.
type block struct {
	section  string // the heading above it
	language string
	file     string // the name in the line above it, such as "`index.sh`:"
	text     string
}

var (
	fence    = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	fileLine = regexp.MustCompile("`([\\w./-]+)`(?:, [^`]*)?[:：]\n\n?$")
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// blocksOf returns the fenced blocks of a document.
func blocksOf(text string) (all []block) {
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		b := block{language: text[at[2]:at[3]], text: text[at[4]:at[5]]}
		before := text[:at[0]]
		if headings := heading.FindAllStringSubmatch(fence.ReplaceAllString(before, ""), -1); len(headings) > 0 {
			b.section = headings[len(headings)-1][1]
		}
		if m := fileLine.FindStringSubmatch(before[strings.LastIndex(strings.TrimRight(before, "\n"), "\n")+1:]); m != nil {
			b.file = m[1]
		}
		all = append(all, b)
	}
	return all
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeUses runs the three uses that the README begins with.
func TestReadmeUses(t *testing.T) {
	want := map[string]string{
		"index.sh": "You sent 15 bytes.", "bootstrap.env": `{"NAME": "ADA"}`, "index.py": `"Hello, Ada!"`,
	}
	for _, b := range blocksOf(readDocument(t, "README.md"))[:len(want)] {
		folder := t.TempDir()
		write(t, folder, b.file, b.text, 0o644)
		stdout, stderr, status := ctl(t, nil, "invoke", "-dir", folder, "-event", `{"name": "Ada"}`)
		if stdout != want[b.file] || status != 0 {
			t.Errorf("%s: got %q, expected %q: %s", b.file, stdout, want[b.file], stderr)
		}
	}
}

// TestReadmesInStep checks that both READMEs have the same code, the same links
// and tables of the same size.
func TestReadmesInStep(t *testing.T) {
	english, chinese := readDocument(t, "README.md"), readDocument(t, "README.zh-CN.md")
	if lines := strings.Count(english, "\n"); lines > 150 {
		t.Errorf("README.md has %d lines, expected at most 150", lines)
	}
	for _, part := range []func(string) []string{codeOf, linksOf, rowsOf} {
		if e, c := part(english), part(chinese); !slices.Equal(e, c) {
			t.Errorf("the READMEs differ:\n%q\n%q", e, c)
		}
	}
}

// codeOf returns the blocks of a document, fenced or indented, without comments.
func codeOf(text string) (code []string) {
	comment := regexp.MustCompile(`(?m)\s+# .*$`)
	for _, b := range blocksOf(text) {
		code = append(code, comment.ReplaceAllString(b.text, ""))
	}
	return append(code, regexp.MustCompile(`(?m)^    .*$`).FindAllString(fence.ReplaceAllString(text, ""), -1)...)
}

// linksOf returns the targets of links, except those between the two READMEs.
func linksOf(text string) (targets []string) {
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "README") {
			targets = append(targets, m[1])
		}
	}
	return targets
}

// rowsOf returns the number of cells of each row of a table, and the code and
// the numbers in it.
func rowsOf(text string) (rows []string) {
	for _, row := range regexp.MustCompile(`(?m)^\|.*$`).FindAllString(text, -1) {
		facts := regexp.MustCompile("`[^`]+`|[0-9][0-9.]*").FindAllString(row, -1)
		slices.Sort(facts)
		rows = append(rows, strings.Repeat("|", strings.Count(row, "|"))+strings.Join(facts, " "))
	}
	return rows
}

// TestDocuments runs the console blocks of the documents. A section that shows
// files has a folder of its own with these files; the next sections that show
// none continue in that folder.
func TestDocuments(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh-CN.md", "docs/handlers.md"} {
		section, folder, ran := "", t.TempDir(), 0
		for _, b := range blocksOf(readDocument(t, name)) {
			switch {
			case b.file != "":
				if section != b.section {
					section, folder = b.section, t.TempDir()
				}
				writeBlock(t, folder, b)
			case b.language == "console":
				ran++
				t.Run(name+" "+b.section, func(t *testing.T) { folder = runConsole(t, folder, b.text) })
			}
		}
		if ran == 0 {
			t.Errorf("%s has no console block", name)
		}
	}
}

// writeBlock writes the file that a block shows. A script is executable.
func writeBlock(t *testing.T, folder string, b block) {
	t.Helper()
	mode := os.FileMode(0o644)
	if strings.HasPrefix(b.text, "#!") {
		mode = 0o755
	}
	write(t, folder, b.file, b.text, mode)
}

// runConsole runs the lines of a block that begin with "$ " and compares their
// output with the lines below. It returns the folder in which the block ends.
func runConsole(t *testing.T, folder, text string) string {
	t.Helper()
	for _, command := range strings.Split("\n"+text, "\n$ ")[1:] {
		line, want, _ := strings.Cut(strings.TrimRight(command, "\n")+"\n", "\n")
		if dir, ok := strings.CutPrefix(line, "cd "); ok {
			folder = filepath.Join(folder, dir)
			continue
		}
		stdout, stderr, status := consoleLine(t, folder, line)
		if !looksLike(stdout, want) || status != 0 {
			t.Errorf("%s\ngot status %d, %s%s, expected\n%s", line, status, stdout, stderr, want)
		}
	}
	return folder
}

// looksLike compares an output with what a document shows. An ellipsis matches any
// text. An ellipsis on a line of its own matches any lines.
func looksLike(output, shown string) bool {
	var pattern strings.Builder
	for line := range strings.Lines(strings.TrimRight(shown, "\n") + "\n") {
		if line == "…\n" {
			pattern.WriteString("(?:.*\n)*")
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
	}
	return regexp.MustCompile("^" + pattern.String() + "$").MatchString(strings.TrimRight(output, "\n") + "\n")
}

func consoleLine(t *testing.T, folder, line string) (stdout, stderr string, status int) {
	t.Helper()
	if tool, _, _ := strings.Cut(line, " "); tool == "zip" {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT TESTED: this machine has no %s", tool)
		}
	}
	cmd := exec.Command("bash", "-c", line)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bootstrapctl)+":"+os.Getenv("PATH"))
	return output(t, cmd)
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks checks that each link between documents leads to a file, and to a
// heading of it.
func TestLinks(t *testing.T) {
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../examples/*/README.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, files, err)
		}
		for _, file := range files {
			for _, m := range link.FindAllStringSubmatch(readDocument(t, strings.TrimPrefix(file, "../")), -1) {
				checkLink(t, file, m[1])
			}
		}
	}
}

func checkLink(t *testing.T, file, target string) {
	t.Helper()
	if strings.Contains(target, "://") {
		return
	}
	path, anchor, _ := strings.Cut(target, "#")
	at := file
	if path != "" {
		at = filepath.Join(filepath.Dir(file), path)
	}
	info, err := os.Stat(at)
	if err != nil {
		t.Errorf("%s links to %s, which does not exist", file, target)
		return
	}
	if anchor != "" && (info.IsDir() || !slices.Contains(anchorsOf(readDocument(t, strings.TrimPrefix(at, "../"))), anchor)) {
		t.Errorf("%s links to %s, which has no such heading", file, target)
	}
}

// anchorsOf returns the anchors that the headings of a document get.
func anchorsOf(text string) (anchors []string) {
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, strings.ReplaceAll(plain, " ", "-"))
	}
	return anchors
}
