package main

import (
	"bytes"
	"fmt"
	"strconv"
)

var (
	headEnd       = []byte("\r\n\r\n")
	lineEnd       = []byte("\r\n")
	contentLength = []byte("content-length:")
	encoding      = []byte("transfer-encoding:")
	lastChunk     = []byte("0\r\n\r\n")
)

// How long the answer is that these bytes begin with; 0 while that is not known. Any status but 301 is an error.
func lengthOf(answer []byte) (int, error) {
	end := bytes.Index(answer, headEnd)
	if end < 0 {
		return 0, nil
	}
	head, body := answer[:end+len(lineEnd)], answer[end+len(headEnd):]
	if !bytes.HasPrefix(head, []byte(wanted)) {
		return 0, fmt.Errorf("answered %q", head[:bytes.Index(head, lineEnd)])
	}
	for len(head) > 0 {
		stop := bytes.Index(head, lineEnd)
		line := head[:stop]
		head = head[stop+len(lineEnd):]
		switch {
		case hasName(line, contentLength):
			length, err := strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):])))
			return end + len(headEnd) + length, err
		case hasName(line, encoding):
			// No rival's body ends with these bytes but by its last chunk.
			if !bytes.HasSuffix(body, lastChunk) {
				return 0, nil
			}
			return len(answer), nil
		}
	}
	return end + len(headEnd), nil
}

func hasName(line, name []byte) bool {
	return len(line) >= len(name) && bytes.EqualFold(line[:len(name)], name)
}
