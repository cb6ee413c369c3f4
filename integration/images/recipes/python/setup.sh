mkdir /app
install -m 0644 app.py /app/app.py
