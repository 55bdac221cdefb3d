package main

type demoCommand struct{}

func (demoCommand) Run(p *program) error { return nil }
