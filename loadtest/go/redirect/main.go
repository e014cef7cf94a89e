// The smallest 301 that Go's net/http can answer. Arguments: port, Location.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	port, location := os.Args[1], os.Args[2]
	answer := http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
		response.Header().Set("Location", location)
		response.WriteHeader(http.StatusMovedPermanently)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, answer))
}
