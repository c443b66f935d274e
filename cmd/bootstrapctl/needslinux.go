package main

import (
	"fmt"
	"regexp"
	"strings"
)

// needsLinux returns a message with the command line that runs a command in Docker, as
// the runtime is a program for Linux.
func needsLinux(arch, folder, command string, args []string) string {
	ports := ""
	if command == "local" { // it listens on the container's address for those outside
		ports, args = "-p 127.0.0.1:9000:9000 ", append([]string{"-addr", "0.0.0.0:9000"}, args...)
	}
	return fmt.Sprintf(`bootstrapctl %[4]s runs the runtime, which needs Linux. With Docker, and with
bootstrapctl-linux-%[1]s of this release in this folder:

  docker run --rm %[5]s-v %[2]s:/function -w /function debian:stable-slim ./bootstrapctl-linux-%[1]s %[4]s %[3]s

The image must have what the function needs, such as python:3 or node:22.
`, arch, quote(folder), quote(args...), command, ports)
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
