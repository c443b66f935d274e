package main

import (
	"bootstrap/adapters/command"
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/hashicorp/go-envparse"
)

// envFile lies in the folder of the code. It holds what the platforms' 4 KB of
// variables, and the characters that they allow, have no room for.
const envFile = "bootstrap.env"

// loadEnvFile sets what the file in dir holds and the environment does not, so
// that commands inherit it. It returns the origin of each variable that it
// set. A file that does not exist is empty. The complaints hold no value: each
// may be a secret.
func loadEnvFile(dir string) (origins map[string]string, complaints []error) {
	text, err := command.ReadRegular(filepath.Join(dir, envFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, []error{fmt.Errorf("cannot read %s: %w", envFile, err)}
	}
	vars, complaints := parseEnvFile(string(text))
	origins = map[string]string{}
	for _, v := range vars {
		if _, ok := os.LookupEnv(v.name); ok && origins[v.name] == "" {
			continue // the environment wins; in the file the last line does
		}
		if err := os.Setenv(v.name, v.value); err != nil {
			complaints = append(complaints, fmt.Errorf("%s: cannot set %s: %w", v.origin, v.name, err))
		}
		origins[v.name] = v.origin
	}
	return origins, complaints
}

// A variable of the file; origin is the file's name and the line.
type variable struct{ name, value, origin string }

const (
	byteOrderMark = "\uFEFF" // some editors begin a file with it
	expectedLine  = `want NAME=value on one line, with quotes around a value that has quotes or # in it: '…', or "…" if it has a '`
)

// parseEnvFile reads the dotenv format, by line, so that each variable and
// each complaint has its own. Nothing is expanded: $1 in a command stays.
func parseEnvFile(text string) (vars []variable, complaints []error) {
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, byteOrderMark)) {
		number++
		origin := fmt.Sprintf("%s:%d", envFile, number)
		if len(line) >= bufio.MaxScanTokenSize { // which is the library's limit
			complaints = append(complaints, fmt.Errorf("%s: a line of %d bytes: want less than %d", origin, len(line), bufio.MaxScanTokenSize))
			continue
		}
		found, err := envparse.Parse(strings.NewReader(line))
		if bad, ok := errors.AsType[*envparse.ParseError](err); ok {
			err = bad.Err // whose line is always the first
		}
		for name, value := range found { // one or none
			vars = append(vars, variable{name, value, origin})
			err = checkQuotes(line)
		}
		if err != nil {
			complaints = append(complaints, fmt.Errorf("%s: %w: %s", origin, err, expectedLine))
		}
	}
	return vars, complaints
}

// simpleValue is a value in quotes or without any, and a comment. Most starts
// have no file and do without it.
var simpleValue = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*("([^"\\]|\\.)*"|'[^']*'|[^'"#]*)\s*(\s#.*)?$`)
})

// checkQuotes refuses a value of which the library would drop quotes, or the
// end after a #, as a shell does: ["jq", ".a"] would become [jq, .a].
func checkQuotes(line string) error {
	if _, value, _ := strings.Cut(strings.TrimSpace(line), "="); !simpleValue().MatchString(value) {
		return errors.New("quotes or # within a value")
	}
	return nil
}
