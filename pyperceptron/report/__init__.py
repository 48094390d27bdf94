"""Self-contained HTML pages: one on which a layer trains in the browser, and one about a fitted Perceptron."""
