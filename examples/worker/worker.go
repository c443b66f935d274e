package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
)

func main() {
	events, answers := bufio.NewReader(os.Stdin), os.NewFile(3, "answers")
	io.WriteString(answers, "{\"ready\":true}\n")
	for line, err := events.ReadBytes('\n'); err == nil; line, err = events.ReadBytes('\n') {
		var frame map[string]any
		json.Unmarshal(line, &frame)
		event, _ := io.ReadAll(io.LimitReader(events, int64(frame["length"].(float64))))
		answer := map[string]any{"id": frame["id"], "length": len(event)}
		if len(event) == 0 {
			answer["error"] = map[string]string{"type": "Function.Empty", "message": "the event is empty"}
		}
		header, _ := json.Marshal(answer)
		answers.Write(append(append(header, '\n'), event...))
	}
}
