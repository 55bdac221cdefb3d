package sfclient_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"crmsync/sfclient"
)

// An upsert whose second record is rejected. The first is still written; a row's error says what to do.
func ExampleClient_Upsert() {
	org := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/services/oauth2/token" {
			fmt.Fprintf(w, `{"access_token":"session","instance_url":"http://%s","token_type":"Bearer"}`, r.Host)
			return
		}
		_, _ = io.WriteString(w, `[{"id":"0035f000000aaaaAAA","success":true,"created":true,"errors":[]},
			{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"","fields":[]}]}]`)
	}))
	defer org.Close()
	client, err := sfclient.New(sfclient.Config{LoginURL: org.URL, ClientID: "app", ClientSecret: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	results, err := client.Upsert(context.Background(), "Contact", "Monday_Item_ID__c", []sfclient.Record{
		{"Monday_Item_ID__c": "7", "LastName": "Lovelace"},
		{"Monday_Item_ID__c": "8", "LastName": "Hopper"},
	}, sfclient.WriteOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, result := range results {
		for _, e := range result.Errors {
			fmt.Println(e.Class(), "permanent:", e.Err().Permanent())
		}
		if result.Success {
			fmt.Println(result.ID, result.Created)
		}
	}
	// Output:
	// 0035f000000aaaaAAA true
	// transient permanent: false
}
