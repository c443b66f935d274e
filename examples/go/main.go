// The program reads one event from stdin and prints its result. It runs once for
// each event.
package main

import (
	"encoding/json"
	"log"
	"os"
)

type request struct {
	Body string `json:"body"`
}

type response struct {
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
}

func main() {
	answer, err := handle()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answer)
	}
	if err != nil {
		log.Fatal(err) // stderr is the log; exit status 1 fails the event
	}
}

func handle() (*response, error) {
	var event request
	if err := json.NewDecoder(os.Stdin).Decode(&event); err != nil {
		return nil, err
	}
	body := struct {
		Name string `json:"name"`
	}{"world"}
	if event.Body != "" {
		if err := json.Unmarshal([]byte(event.Body), &body); err != nil {
			return nil, err
		}
	}
	log.Printf("greets %s", body.Name)
	greeting, err := json.Marshal(map[string]string{"greeting": "Hello, " + body.Name + "!"})
	return &response{StatusCode: 200, Headers: map[string]string{"content-type": "application/json"}, Body: string(greeting)}, err
}
