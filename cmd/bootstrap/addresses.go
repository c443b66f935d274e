package main

import (
	"fmt"
	"strconv"
	"strings"

	"bootstrap/supervisor"
)

type addresses []supervisor.Address

func (a *addresses) Decode(value string) error {
	*a = nil
	var bad []string
	var why error
	for i, text := range splitList(value) {
		if text == "" {
			bad, why = append(bad, fmt.Sprintf("item %d is empty", i+1)), supervisor.ErrAddress
			continue
		}
		address, err := supervisor.ParseAddress(text)
		if err != nil { // the part before an @ may be a password
			bad, why = append(bad, strconv.Quote(text[strings.LastIndex(text, "@")+1:])), err
			continue
		}
		*a = append(*a, address)
	}
	if why != nil {
		return fmt.Errorf("%s: %w; separate several with commas", strings.Join(bad, ", "), why)
	}
	return nil
}
