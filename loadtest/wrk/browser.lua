-- paths.lua with the twelve headers, cookies among them, that a browser sends with a click: wrk -s browser.lua URL -- FILE
-- (Host is the twelfth, which wrk adds.)
wrk.headers['Connection'] = 'keep-alive'
wrk.headers['Upgrade-Insecure-Requests'] = '1'
wrk.headers['User-Agent'] = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'
wrk.headers['Accept'] = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8'
wrk.headers['Sec-Fetch-Site'] = 'cross-site'
wrk.headers['Sec-Fetch-Mode'] = 'navigate'
wrk.headers['Sec-Fetch-User'] = '?1'
wrk.headers['Sec-Fetch-Dest'] = 'document'
wrk.headers['Accept-Encoding'] = 'gzip, deflate, br, zstd'
wrk.headers['Accept-Language'] = 'en-GB,en;q=0.9,hi;q=0.8'
wrk.headers['Cookie'] = '_ga=GA1.1.1234567890.1700000000; session=6f1b2c3d4e5f60718293a4b5c6d7e8f9; theme=dark'

dofile(debug.getinfo(1, 'S').source:match('^@(.*)/[^/]*$') .. '/paths.lua')
