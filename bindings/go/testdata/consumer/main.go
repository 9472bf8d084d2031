// Command consumer stands for a user's program: it imports only this module.
package main

import (
	"fmt"
	"log"

	"wxlink.dev/go/wxlink"
)

func main() {
	client, err := wxlink.New()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Println("wxlink", wxlink.Version())
}
