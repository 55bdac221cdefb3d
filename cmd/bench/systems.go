package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// systems are a Monday and a Salesforce with nothing in them, simulated in this process.
type systems struct {
	monday     *mondaysim.Sim
	salesforce *sfsim.Sim
	env        []string // in which measured programs find them
	servers    []*http.Server
}

// serveSystems serves both, each call with a latency. Neither runs out of what it allows.
func serveSystems(latency time.Duration) (*systems, error) {
	s := &systems{
		monday:     mondaysim.New(mondaysim.Config{Token: "token", ComplexityPerMinute: 1 << 30, Latency: latency}),
		salesforce: sfsim.New(sfsim.Config{ClientID: "id", ClientSecret: "secret", DailyLimit: 1 << 30, Latency: latency}),
	}
	monday, err := s.host(s.monday)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serving Monday: %w", err), s.close())
	}
	salesforce, err := s.host(s.salesforce)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serving Salesforce: %w", err), s.close())
	}
	s.env = []string{
		"MONDAY_API_TOKEN=token", "MONDAY_API_URL=" + monday + "/v2",
		"SALESFORCE_LOGIN_URL=" + salesforce, "SALESFORCE_CLIENT_ID=id", "SALESFORCE_CLIENT_SECRET=secret",
	}
	return s, nil
}

// host serves a handler on this machine only.
func (s *systems) host(handler http.Handler) (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener) // ends with ErrServerClosed
	s.servers = append(s.servers, server)
	return "http://" + listener.Addr().String(), nil
}

// close ends both, and what is in them with them.
func (s *systems) close() (err error) {
	for _, server := range s.servers {
		err = errors.Join(err, server.Close())
	}
	s.monday.Close()
	return err
}
