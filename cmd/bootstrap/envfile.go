package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bootstrap/adapters/command"
	"bootstrap/internal/envfile"
)

// envFile is a file in the code folder. It may hold more than the 4 KB of
// variables that platforms allow, and all characters.
const envFile = "bootstrap.env"

// loadEnvFile sets the variables of the file in dir that the environment lacks,
// so that commands inherit them. It returns the origin of each variable that it
// has set. It sets nothing if the file is missing or dir is empty. Errors
// contain no value, as it may be a secret.
func loadEnvFile(dir string) (origins map[string]string, errs []error) {
	if dir == "" {
		return nil, nil
	}
	text, err := command.ReadPackaged(filepath.Join(dir, envFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, []error{fmt.Errorf("cannot read %s: %w", envFile, err)}
	}
	origins = map[string]string{}
	vars, wrong := envfile.Parse(string(text))
	for _, e := range wrong {
		errs = append(errs, fmt.Errorf("%s: %w", originOf(e.Line), e.Err))
	}
	for _, v := range vars {
		if _, ok := os.LookupEnv(v.Name); ok && origins[v.Name] == "" {
			continue // the environment wins; in the file the last line wins
		}
		if err := os.Setenv(v.Name, v.Value); err != nil {
			errs = append(errs, fmt.Errorf("%s: cannot set %s: %w", originOf(v.Line), v.Name, err))
		}
		origins[v.Name] = originOf(v.Line)
	}
	return origins, errs
}

func originOf(line int) string { return fmt.Sprintf("%s:%d", envFile, line) }
