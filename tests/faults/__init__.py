"""What SWF and the network do to a worker, and a small faulty SWF endpoint to do it with."""
