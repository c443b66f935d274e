package main

import (
	"fmt"
	"regexp"
	"strings"
)

// needsLinux returns a message with the command that runs invoke in Docker, as the
// runtime is a program for Linux.
func needsLinux(arch, folder string, args []string) string {
	return fmt.Sprintf(`bootstrapctl invoke runs the runtime, which needs Linux. With Docker, and with
bootstrapctl-linux-%[1]s of this release in this folder:

  docker run --rm -v %[2]s:/function -w /function debian:stable-slim ./bootstrapctl-linux-%[1]s invoke %[3]s

The image must have what the function needs, such as python:3 or node:22.
`, arch, quote(folder), quote(args...))
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// quote returns the words as a command line for a shell.
func quote(words ...string) string {
	var all []string
	for _, word := range words {
		if !plainWord.MatchString(word) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		all = append(all, word)
	}
	return strings.Join(all, " ")
}
