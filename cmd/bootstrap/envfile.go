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

// envFile is a file in the code folder. It may hold more than the 4 KB of
// variables that platforms allow, and all characters.
const envFile = "bootstrap.env"

// loadEnvFile sets the variables of the file in dir that the environment lacks,
// so that commands inherit them. It returns the origin of each variable that it
// has set. A missing file counts as empty. Errors contain no value, as it may
// be a secret.
func loadEnvFile(dir string) (origins map[string]string, errs []error) {
	text, err := command.ReadRegular(filepath.Join(dir, envFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, []error{fmt.Errorf("cannot read %s: %w", envFile, err)}
	}
	vars, errs := parseEnvFile(string(text))
	origins = map[string]string{}
	for _, v := range vars {
		if _, ok := os.LookupEnv(v.name); ok && origins[v.name] == "" {
			continue // the environment wins; in the file the last line wins
		}
		if err := os.Setenv(v.name, v.value); err != nil {
			errs = append(errs, fmt.Errorf("%s: cannot set %s: %w", v.origin, v.name, err))
		}
		origins[v.name] = v.origin
	}
	return origins, errs
}

// A variable comes from the file. origin is the name of the file and the line.
type variable struct{ name, value, origin string }

const (
	byteOrderMark = "\uFEFF" // some editors begin a file with it
	expectedLine  = `expected NAME=value on one line; quote a value that contains quotes or #: '…', or "…" if it contains a '`
)

// parseEnvFile reads the dotenv format, one line at a time, so that each
// variable and each error has its line. It expands nothing: $1 in a command
// stays.
func parseEnvFile(text string) (vars []variable, errs []error) {
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, byteOrderMark)) {
		number++
		origin := fmt.Sprintf("%s:%d", envFile, number)
		if len(line) >= bufio.MaxScanTokenSize { // the limit of the library
			errs = append(errs, fmt.Errorf("%s: the line has %d bytes, expected less than %d", origin, len(line), bufio.MaxScanTokenSize))
			continue
		}
		found, err := envparse.Parse(strings.NewReader(line))
		if bad, ok := errors.AsType[*envparse.ParseError](err); ok {
			err = bad.Err // its line number is always 1
		}
		for name, value := range found { // none or one
			vars = append(vars, variable{name, value, origin})
			err = checkQuotes(line)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w: %s", origin, err, expectedLine))
		}
	}
	return vars, errs
}

// simpleValue matches a value that is fully quoted or without quotes, and a
// comment. It is compiled only if there is a file.
var simpleValue = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*("([^"\\]|\\.)*"|'[^']*'|[^'"#]*)\s*(\s#.*)?$`)
})

// checkQuotes refuses a value of which the library, like a shell, would remove
// inner quotes or the part after a #: ["jq", ".a"] would become [jq, .a].
func checkQuotes(line string) error {
	if _, value, _ := strings.Cut(strings.TrimSpace(line), "="); !simpleValue().MatchString(value) {
		return errors.New("quotes or # within a value")
	}
	return nil
}
