"""The google engine on one machine: the official emulators and our functions, brought up together.

emulators    where the official emulators are, and how they are started
functions    where our functions are, and how each is served
process      one program: started, its death noticed, ended
guard        ends all of them, should whoever started them be killed
up           everything together, for as long as a block lasts
sweeper      calls the sweep now and then, as the scheduler does in the cloud
standing     what is up in a home, for other commands to find
topics       topics and subscriptions, pushed to our functions or pulled
reach        which engine a command means, and whether it can be reached
doctor       what this machine lacks
"""
